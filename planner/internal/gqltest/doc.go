// Package gqltest makes schemas and documents for the tests of the planner's parts. Only tests import it.
package gqltest
