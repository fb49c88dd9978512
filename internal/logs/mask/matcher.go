package mask

// matcher is an Aho-Corasick automaton (CACM 18(6), 1975): it finds many patterns in one pass over a text that arrives
// in pieces. A node is the prefix of a pattern; its fail link is the longest proper suffix that is a prefix as well.
// Children are linked lists, because nearly every node has one child; only the root, where ordinary text stays, has a
// table.
type matcher struct {
	root  [256]int32
	nodes []node
}

type node struct {
	child   int32 // first child, 0 = none
	sibling int32 // next child of the same parent, 0 = none
	fail    int32
	depth   int32 // length of the prefix
	longest int32 // length of the longest pattern that is a suffix of the prefix, 0 = none
	char    byte
}

// newMatcher returns nil for no patterns.
func newMatcher(patterns []string) *matcher {
	if len(patterns) == 0 {
		return nil
	}
	m := &matcher{nodes: make([]node, 1)}
	for _, p := range patterns {
		m.add(p)
	}
	m.link()
	return m
}

func (m *matcher) add(pattern string) {
	at := int32(0)
	for i := range len(pattern) {
		next := m.childOf(at, pattern[i])
		if next == 0 {
			next = int32(len(m.nodes))
			m.nodes = append(m.nodes, node{char: pattern[i], depth: int32(i + 1), sibling: m.nodes[at].child})
			m.nodes[at].child = next
		}
		at = next
	}
	m.nodes[at].longest = int32(len(pattern))
}

// link sets the fail links, breadth first: a node's link leads to a node nearer to the root.
func (m *matcher) link() {
	queue := make([]int32, 0, len(m.nodes))
	for c := m.nodes[0].child; c != 0; c = m.nodes[c].sibling {
		m.root[m.nodes[c].char] = c
		queue = append(queue, c)
	}
	for i := 0; i < len(queue); i++ {
		parent := queue[i]
		for c := m.nodes[parent].child; c != 0; c = m.nodes[c].sibling {
			n := &m.nodes[c]
			n.fail = m.step(m.nodes[parent].fail, n.char)
			if n.longest == 0 {
				n.longest = m.nodes[n.fail].longest
			}
			queue = append(queue, c)
		}
	}
}

func (m *matcher) childOf(at int32, char byte) int32 {
	for c := m.nodes[at].child; c != 0; c = m.nodes[c].sibling {
		if m.nodes[c].char == char {
			return c
		}
	}
	return 0
}

// step returns the node for the longest suffix of (prefix of at + char) that is a prefix of a pattern.
func (m *matcher) step(at int32, char byte) int32 {
	for at != 0 {
		if c := m.childOf(at, char); c != 0 {
			return c
		}
		at = m.nodes[at].fail
	}
	return m.root[char]
}
