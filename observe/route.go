package observe

import "strings"

// placeholder stands for a part of a path that differs from request to request.
const placeholder = "{…}"

// maxRoute bounds a route's name; what is longer is cut.
const maxRoute = 120

// RouteOf names the route of a request whose mux left no pattern: its method and path,
// without the parts that look like identifiers.
func RouteOf(method, path string) string {
	if len(method) > 20 { // a client may send any
		method = method[:20]
	}
	var b strings.Builder
	b.WriteString(method)
	b.WriteByte(' ')
	for i, part := range strings.Split(path, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		if isIdentifier(part) {
			part = placeholder
		}
		if b.Len()+len(part) > maxRoute {
			b.WriteString("…")
			break
		}
		b.WriteString(part)
	}
	return strings.ToValidUTF8(b.String(), "?")
}

// isIdentifier reports whether a part of a path is likely one of many: a number, a
// UUID, a long word with digits in it. "v2" and "2024-prices" are names.
func isIdentifier(part string) bool {
	digits := 0
	for _, c := range []byte(part) {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits > 0 && digits == len(part) || digits >= 3 && len(part) >= 12 || len(part) > 40
}
