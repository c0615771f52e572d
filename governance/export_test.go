package governance

// Table lets tests outside the package see the state machine as data.
func Table() map[State]map[EventType][]State { return table }
