package engineio

// A transport carries a session's packets. It holds nothing that must outlive it: order, queue and heartbeat are the
// session's.
type transport interface {
	// name is the transport's name in requests.
	name() string

	// form is how messages stand in the queue of a session that the transport carries.
	form() form

	// attach makes the transport, which the session names as its carrier already, the way out of its queue.
	attach()

	// ready says whether what is sent now would leave at once. Session.mu must be held.
	ready() bool

	// listens says whether the client takes what is sent: it has asked for something since the last call, or is being
	// answered. Session.mu must be held.
	listens() bool

	// wake says that the session's state has changed, or that something is queued. Session.mu must be held.
	wake()

	// farewell tells the client, behind what is queued, that the server ends the session.
	farewell(Reason)

	// close is told of the session's end. What is queued goes out, or is dropped, as e says where the transport can
	// do both.
	close(e *ending)
}

// Addresses bound what one IP address may open. Their methods are called concurrently.
type Addresses interface {
	// Enter takes a place for a session of the address, which Leave gives back. An error refuses the session:
	// ErrAddressSessions and ErrAddressRate with status 429, any other with 503.
	Enter(address string) error
	Leave(address string)
}

// An Account counts what the sessions of one address hold. Its methods are called concurrently; Hold must be quick
// and take no lock under which it calls a Session.
type Account interface {
	// Hold says that the address holds delta bytes more, or less if it is negative: what is queued, is on its way to
	// the client, or was charged to a session.
	Hold(delta int)

	// Joined says that a session was opened.
	Joined(*Session)

	// Left says that a session has ended and holds nothing any more, apart from what layers above have charged, which
	// they may give back later. It is called once for each Account that was asked for, also where the session was never
	// opened.
	Left(*Session)
}
