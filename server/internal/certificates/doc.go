// Package certificates holds the certificates that Crier shows to its clients: those of files, read again when they
// change (Files), or those that an authority gives by itself (ACME).
package certificates
