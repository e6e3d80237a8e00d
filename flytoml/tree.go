package flytoml

import (
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// node is a value of a file, and where it stands.
type node struct {
	kind   kind
	at     int              // an offset: of a table, that of its name in the latest header
	text   string           // of text: what it means; of other scalars: as written
	names  []string         // of a table: the keys of its fields, in the order of the file
	fields map[string]*node // of a table
	items  []*node          // of a list
}

type kind uint8

const (
	table kind = iota
	list
	text
	integer
	float
	boolean
	date // or time
)

// kinds are what the parser calls them; what is missing is a date or time.
var kinds = map[unstable.Kind]kind{
	unstable.InlineTable: table, unstable.Array: list, unstable.String: text,
	unstable.Integer: integer, unstable.Float: float, unstable.Bool: boolean,
}

// part is one part of a dotted key.
type part struct {
	name    string
	at, end int
}

// parse returns a document as a tree. It must be TOML: that no key is defined
// twice, or as two things, is not asked again.
func parse(data []byte) *node {
	var p unstable.Parser
	p.Reset(data)
	root := &node{}
	into := root
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table:
			into = root.open(parts(e))
		case unstable.ArrayTable:
			into = root.add(parts(e))
		case unstable.KeyValue:
			into.put(data, e)
		}
	}
	return root
}

// parts returns the key of a header or of a key and its value.
func parts(e *unstable.Node) []part {
	var all []part
	for it := e.Key(); it.Next(); {
		k := it.Node()
		at := int(k.Raw.Offset)
		all = append(all, part{string(k.Data), at, at + int(k.Raw.Length)})
	}
	return all
}

// open returns the table that a path leads to, made where it is missing. In a
// list of tables the path goes on in the last one.
func (n *node) open(path []part) *node {
	for _, p := range path {
		next := n.fields[p.name]
		if next == nil {
			next = n.set(p.name, &node{})
		}
		next.at = p.at
		if next.kind == list && len(next.items) > 0 {
			next = next.items[len(next.items)-1]
		}
		n = next
	}
	return n
}

// add appends a table to the list that a path leads to, and returns it.
func (n *node) add(path []part) *node {
	last := path[len(path)-1]
	n = n.open(path[:len(path)-1])
	all := n.fields[last.name]
	if all == nil {
		all = n.set(last.name, &node{kind: list, at: last.at})
	}
	item := &node{at: last.at}
	all.items = append(all.items, item)
	return item
}

// put enters a key and its value, as a line or in an inline table.
func (n *node) put(data []byte, e *unstable.Node) {
	path := parts(e)
	last := path[len(path)-1]
	n.open(path[:len(path)-1]).set(last.name, value(data, e.Value(), last.end))
}

func (n *node) set(name string, field *node) *node {
	if n.fields == nil {
		n.fields = map[string]*node{}
	}
	if n.fields[name] == nil {
		n.names = append(n.names, name)
	}
	n.fields[name] = field
	return field
}

// value returns a value that stands behind an offset, with only blanks and "="
// or the bracket of a list between: the parser does not say where a list begins.
func value(data []byte, v *unstable.Node, behind int) *node {
	for behind < len(data) && strings.IndexByte(" \t=", data[behind]) >= 0 {
		behind++
	}
	k, known := kinds[v.Kind]
	if !known {
		k = date
	}
	n := &node{kind: k, at: behind}
	switch k {
	case table:
		for it := v.Children(); it.Next(); {
			n.put(data, it.Node())
		}
	case list:
		for it := v.Children(); it.Next(); {
			item := it.Node()
			at := behind
			if item.Kind != unstable.Array {
				at = int(item.Raw.Offset)
			}
			n.items = append(n.items, value(data, item, at))
		}
	default:
		n.text = string(v.Data)
	}
	return n
}
