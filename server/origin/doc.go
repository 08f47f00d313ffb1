// Package origin says which pages may connect, and by which names the server may be asked.
//
// A browser writes into the Origin header where the page that makes a request comes from: scheme, host and port, "null"
// for a page whose origin is hidden, and in some programs "file://" (RFC 6454, section 7; HTML, "serialization of an
// origin"). A page can't change that. Other clients write into it what they like, or nothing: they could write the
// right thing as well, so to refuse them protects nobody.
package origin
