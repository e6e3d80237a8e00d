package corpus

import (
	"fmt"
	"strings"
	"unicode"
)

const routing = "Dynamic Request Routing"

// specPage is the page beside ours that describes what Fly documents nothing about.
const specPage = "specification.md"

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
on purpose, and why. The last column is the heading of Fly's page, or else one of
[the specification](specification.md), which describes the whole.

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
	who, page, heading := c.cited()
	url, id := pages[page], anchor(heading)
	if who == spec {
		url, id = specPage, githubAnchor(heading)
	}
	if url == "" {
		return escape(heading)
	}
	return fmt.Sprintf("[%s](%s#%s)", escape(heading), url, id)
}

// anchor is how Fly's site names a heading.
func anchor(heading string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_':
			return c
		case c == ' ' || c == '/' || c == '.':
			return '-'
		}
		return -1
	}, strings.ToLower(heading))
}

// githubAnchor is how GitHub names a heading: signs go, and blanks become hyphens.
func githubAnchor(heading string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case unicode.IsLetter(c) || unicode.IsDigit(c) || c == '-' || c == '_':
			return c
		case c == ' ':
			return '-'
		}
		return -1
	}, strings.ToLower(heading))
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
