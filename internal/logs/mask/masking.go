package mask

// How many bytes of the beginning of a secret, standing at the end of a text, are taken seriously. Fewer occur by
// chance everywhere and give nothing away.
const (
	minHeld  = 3 // while the text may go on: held back until it does
	minGuess = 6 // at the very end: masked
)

// Pieces masks a text that arrives in pieces. It holds back only what may turn out to be the beginning of a secret.
type Pieces struct {
	masker *Masker
	at     int32  // state of the automaton: how much of which secret the text ends with
	held   []byte // end of the text, not passed on yet
	spans  []span // what of held is secret; sorted, apart from each other
	inMask bool   // the last thing passed on was a mask
}

type span struct{ start, end int }

// Pieces returns what masks one text, which has not begun yet.
func (m *Masker) Pieces() Pieces { return Pieces{masker: m} }

// Holds reports whether something is held back.
func (w *Pieces) Holds() bool { return len(w.held) > 0 }

// Feed appends to out what of the text is certain once p has arrived.
func (w *Pieces) Feed(out, p []byte) []byte {
	if w.masker == nil || w.masker.match == nil {
		return append(out, p...)
	}
	m, at := w.masker.match, w.at
	from := len(w.held)
	w.held = append(w.held, p...)
	for i := from; i < len(w.held); i++ {
		at = m.step(at, w.held[i])
		if n := int(m.nodes[at].longest); n > 0 {
			w.conceal(i+1-n, i+1)
		}
	}
	w.at = at
	return w.release(out, len(w.held)-int(m.nodes[at].depth))
}

// conceal makes held[start:end] secret. Secrets are found in the order of their ends.
func (w *Pieces) conceal(start, end int) {
	start = max(0, start) // its beginning was passed on by Pause
	for n := len(w.spans); n > 0 && w.spans[n-1].end >= start; n-- {
		start = min(start, w.spans[n-1].start)
		w.spans = w.spans[:n-1]
	}
	w.spans = append(w.spans, span{start, end})
}

// release passes on the first n bytes held, secrets among them as masks.
func (w *Pieces) release(out []byte, n int) []byte {
	if n <= 0 {
		return out
	}
	at, rest := 0, w.spans[:0]
	for _, s := range w.spans {
		if s.start < n {
			out = w.clear(out, w.held[at:s.start])
			if !w.inMask {
				out, w.inMask = append(out, mark...), true
			}
			at = min(s.end, n)
		}
		if s.end > n {
			rest = append(rest, span{max(s.start-n, 0), s.end - n})
		}
	}
	out = w.clear(out, w.held[at:n])
	w.spans = rest
	w.held = append(w.held[:0], w.held[n:]...)
	return out
}

func (w *Pieces) clear(out, text []byte) []byte {
	if len(text) > 0 {
		w.inMask = false
	}
	return append(out, text...)
}

// Pause passes on what is held unless it may well be the beginning of a secret; the text goes on later. The automaton
// stays where it is, so of a secret that goes on the rest is masked.
func (w *Pieces) Pause(out []byte) []byte {
	if len(w.held) >= minHeld {
		return out
	}
	return w.release(out, len(w.held))
}

// Finish passes on everything at the end of the text, the likely beginning of a secret as a mask.
func (w *Pieces) Finish(out []byte) []byte {
	if len(w.held) >= minGuess {
		w.spans = append(w.spans[:0], span{0, len(w.held)})
	}
	out = w.release(out, len(w.held))
	w.at, w.inMask = 0, false
	return out
}
