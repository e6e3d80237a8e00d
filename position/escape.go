package position

// AppendEscaped appends a position or an epoch as it stands in our headers, where ";"
// and "=" mean something. It writes what [net/url.QueryEscape] returns, and
// [net/url.QueryUnescape] reads it, but needs no memory of its own.
func AppendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			b = append(b, '+')
		case c != ':' && plain(c), c == '.':
			b = append(b, c)
		default:
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&0xF])
		}
	}
	return b
}
