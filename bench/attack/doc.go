// Package attack does to a Crier what a hostile client may do, from one address of the loopback network, so that it
// can be measured what everybody else notices. Each [Attack] is bounded: in the connections that it has at a time,
// and in the time that it takes.
//
// An attack keeps to what a client can say. It does not fail when it is refused or cut off, which is what a server
// should do: it comes back a moment later, as an attacker would.
package attack
