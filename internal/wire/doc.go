// Package wire holds what outlives a process or crosses into another one: what Temporal keeps of workflows, signals,
// queries and activities, what nodes and the server say to each other over HTTP, and what is sealed to a node.
//
// A message is a struct whose every field has its name in JSON written out, so that a field can be renamed in Go. Domain
// types that travel as they are carry their names where they are declared, in sdp. Tests walk all messages, and compare
// what they write with bytes kept in testdata: those of today, and those from before the messages had a package. To change
// a message:
//
//   - add a field: its zero value is what those mean who do not send it;
//   - give a message another shape: read the old one too, see before.go;
//   - change what a message means: raise Newest, and Oldest with it unless both meanings are told apart.
package wire
