package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// said is a message as a case writes it down: a request or an answer.
type said struct {
	first  string   // "POST /path", "409", or a word for what is done instead
	fields []string // "Name: value"
	body   string
	raw    string // bytes that stand for all of it
}

// readSaid reads a message whose first line begins with so many words. A field may
// follow them; each line after it is a field, or the body: a Go string, or JSON to
// the message's end. What holds line ends of HTTP is sent as it is.
func readSaid(text string, words int) (said, error) {
	if strings.Contains(text, "\r\n") {
		return said{raw: text}, nil
	}
	lines := strings.Split(text, "\n")
	parts := strings.SplitN(lines[0], " ", words+1)
	m := said{first: strings.Join(parts[:min(words, len(parts))], " ")}
	if len(parts) > words {
		lines[0] = parts[words]
	} else {
		lines = lines[1:]
	}
	for i, line := range lines {
		if strings.HasPrefix(line, "{") {
			m.body = strings.Join(lines[i:], "\n")
			return m, nil
		}
		if err := m.add(line); err != nil {
			return m, err
		}
	}
	return m, nil
}

// add reads a line that is a field or the body. It may end in "(5 times)".
func (m *said) add(line string) error {
	times := 1
	if rest, ok := strings.CutSuffix(line, " times)"); ok {
		at := strings.LastIndexByte(rest, '(')
		var err error
		if times, err = strconv.Atoi(rest[at+1:]); err != nil {
			return err
		}
		line = strings.TrimSpace(rest[:max(at, 0)])
	}
	switch {
	case strings.HasPrefix(line, `"`):
		body, err := strconv.Unquote(line)
		m.body = strings.Repeat(body, times)
		return err
	case !strings.Contains(line, ":"):
		return fmt.Errorf("%q is no field", line)
	}
	m.fields = append(m.fields, slices.Repeat([]string{line}, times)...)
	return nil
}

func (m *said) has(name string) bool { return m.value(name) != "" }

func (m *said) value(name string) string {
	for _, f := range m.fields {
		if n, v, _ := strings.Cut(f, ":"); strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// write sends the message behind its start line. framed says whether it has a
// body's length where it does not say so itself.
func (m *said) write(w io.Writer, start string, framed bool, body string) {
	var b strings.Builder
	b.WriteString(start + "\r\n")
	for _, f := range m.fields {
		b.WriteString(f + "\r\n")
	}
	chunked := strings.EqualFold(m.value("Transfer-Encoding"), "chunked")
	switch {
	case chunked && body != "":
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	case chunked:
		body = "0\r\n\r\n"
	case framed && !m.has("Content-Length"):
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	io.WriteString(w, b.String()+"\r\n"+body) // who has gone shows elsewhere
}

// matches reports whether text is what pattern says; "*" stands for anything.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}

// fieldMatches reports whether a header has a field "Name: pattern", its values
// joined.
func fieldMatches(h http.Header, field string) (got string, ok bool) {
	name, pattern, _ := strings.Cut(field, ":")
	got = strings.Join(h.Values(name), ", ")
	return got, len(h.Values(name)) > 0 && matches(strings.TrimSpace(pattern), got)
}
