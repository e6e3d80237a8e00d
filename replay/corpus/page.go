package corpus

import (
	"fmt"
	"strings"
)

const routing = "Dynamic Request Routing"

// pages are Fly's pages that a source may name, by their titles.
var pages = map[string]string{
	routing:                        "https://fly.io/docs/networking/dynamic-request-routing/",
	"Request Headers":              "https://fly.io/docs/networking/request-headers/",
	"App configuration (fly.toml)": "https://fly.io/docs/reference/configuration/",
	"Load Balancing":               "https://fly.io/docs/reference/load-balancing/",
	"Error Codes":                  "https://fly.io/docs/monitoring/error-codes/",
}

const intro = `# The replay protocol, side by side with Fly

What Homing reads and does, one line a behaviour, and how it compares with what Fly
documents: first what the messages mean, then what the edge does with them. This page
is generated from the cases that the tests run, so every line of it is tested: change
a case in ` + "`replay/testdata` or `edge/testdata`" + `, then ` + "`go generate ./replay`" + `.

**same**: as Fly documents it. **ours**: Fly documents nothing about it. **differs**:
on purpose, and why. The last column is the heading of Fly's page, or else the part of
the protocol that the behaviour belongs to: "Body", say, is what becomes of requests'
bodies.

`

// Page writes docs/protocol.md.
func Page(cases []Case) string {
	var b strings.Builder
	b.WriteString(intro)
	same, ours, differs := 0, 0, 0
	for _, c := range cases {
		switch {
		case c.Diverges != "":
			differs++
		case strings.HasPrefix(c.Source, "Fly,"):
			same++
		default:
			ours++
		}
	}
	fmt.Fprintf(&b, "%d behaviours: %d the same, %d ours, %d different.\n", len(cases), same, ours, differs)
	section := ""
	for _, c := range cases {
		if c.Section != section {
			section = c.Section
			fmt.Fprintf(&b, "\n## %s\n\n| what | for example | here | documented |\n|---|---|---|---|\n", section)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", escape(c.Name), c.example(), c.here(), c.documented())
	}
	return b.String()
}

// here says how we compare.
func (c Case) here() string {
	switch {
	case c.Diverges != "":
		return "**differs**: " + escape(c.Diverges)
	case strings.HasPrefix(c.Source, "Fly,"):
		return "same"
	}
	return "ours"
}

// documented links to where the behaviour is described.
func (c Case) documented() string {
	parts := strings.SplitN(c.Source, ", ", 3)
	heading := parts[len(parts)-1]
	page := routing
	if len(parts) == 3 {
		page = parts[1]
	}
	if url, ok := pages[page]; ok && parts[0] == "Fly" {
		return fmt.Sprintf("[%s](%s#%s)", escape(heading), url, anchor(heading))
	}
	return escape(heading)
}

// anchor is how Fly's site names a heading.
func anchor(heading string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(heading) {
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_':
			b.WriteRune(c)
		case c == ' ' || c == '/' || c == '.':
			b.WriteByte('-')
		}
	}
	return b.String()
}

// example is the first field, what the case is about, as one line, if it fits into
// a table.
func (c Case) example() string {
	lines := strings.Split(c.Fields[0].Value, "\n")
	for i := range lines[1:] {
		lines[1+i] = strings.TrimSpace(lines[1+i])
	}
	value := strings.Join(lines, " ")
	if strings.Contains(value, "`") || len(value) > 100 || value == "" {
		return ""
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] >= 0x7f {
			return ""
		}
	}
	value = strings.Join(lines, " ↵ ")
	return "`" + strings.ReplaceAll(value, "|", `\|`) + "`"
}

func escape(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`).Replace(s)
}
