// Package jsoracle asks the JavaScript servers whose behaviour clients expect, graphql-js and Apollo Server, so that differential tests
// can compare the planner's answers with theirs.
//
// testdata holds the two, pinned by a lock file, and the drivers: scripts that read cases, one JSON document a line, and write
// answers the same way. The first test that asks installs what the lock file names; test processes that run at the same time wait for it.
// Where Node.js or npm is missing the test fails and says what to do: a comparison that was left out must not look like one that passed.
//
// Only tests import it. It keeps nothing of what it is given.
package jsoracle
