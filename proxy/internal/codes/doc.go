// Package codes is the one table of the errors Weir makes itself. A code is stable: clients, alerts and dashboards may rely on it. It goes
// to the header Weir-Error, to extensions.code of GraphQL errors and to metric labels; proxy/ERRORS.md is the same table for people.
package codes
