package socketio

// sendFlags are how an event is sent.
type sendFlags struct {
	volatile   bool // dropped if it could not leave at once
	plain      bool // not compressed
	unrecorded bool // not held for clients that come back
}

// An audience says whom an event is for, as data: those in any of the rooms, or the whole namespace, without the
// exceptions.
type audience struct {
	rooms  []string // empty: the whole namespace
	except []string
	only   string // the id of the one socket that it is for; rooms and exceptions do not count then
	but    string // the id of the one socket that is left out
	flags  sendFlags
}

// includes reports whether an event is for the session of that id, which is in those rooms that in says yes to.
func (a *audience) includes(id string, in func(room string) bool) bool {
	if a.only != "" {
		return a.only == id
	}
	inAny := func(names []string) bool {
		for _, name := range names {
			if name == id || in(name) {
				return true
			}
		}
		return false
	}
	return a.but != id && (len(a.rooms) == 0 || inAny(a.rooms)) && !inAny(a.except)
}
