package wire

// framing is what the fields of a message say about where it ends.
type framing struct {
	length   int64 // Content-Length; -1: none
	chunked  bool
	encoding bool // Transfer-Encoding stands there
}

// frame reads the fields that frame a message (RFC 9112 §6).
func frame(h Header, minor int) (framing, error) {
	f := framing{length: -1}
	lengths := 0
	encodings := 0
	for i := range h {
		switch name := h[i].Name; len(name) {
		case len("Content-Length"):
			if sameFold(name, "Content-Length") {
				n, ok := decimal(h[i].Value) // RFC 9110 §8.6
				if !ok {
					return f, refuse(400, "Content-Length is not one number")
				}
				f.length = n
				lengths++
			} else if sameFold(name, "Content_Length") {
				return f, refuse(400, "a field looks like Content-Length")
			}
		case len("Transfer-Encoding"):
			if sameFold(name, "Transfer-Encoding") {
				encodings++
			} else if sameFold(name, "Transfer_Encoding") {
				return f, refuse(400, "a field looks like Transfer-Encoding")
			}
		}
	}
	f.encoding = encodings > 0
	f.chunked = f.encoding
	switch {
	case lengths > 1:
		return f, refuse(400, "Content-Length stands there more than once") // RFC 9112 §6.3
	case !f.encoding:
		return f, nil
	case lengths > 0:
		return f, refuse(400, "Content-Length stands beside Transfer-Encoding") // §6.1
	case encodings > 1:
		return f, refuse(400, "Transfer-Encoding stands there more than once")
	case minor == 0:
		return f, refuse(400, "Transfer-Encoding in HTTP/1.0") // §6.1
	}
	if err := chunkedOnly(h.Get("Transfer-Encoding")); err != nil {
		return f, err
	}
	return f, announced(h)
}

// chunkedOnly accepts the coding "chunked". A list of others that is well formed
// is one that we do not know.
func chunkedOnly(value string) error {
	if sameFold(value, "chunked") {
		return nil
	}
	if value == "" {
		return refuse(400, "Transfer-Encoding is empty")
	}
	ended := false
	for coding := range members(value) {
		if ended {
			return refuse(400, "chunked is not the last transfer coding, or not the only") // RFC 9112 §6.1, §7
		}
		ended = sameFold(coding, "chunked")
		if !tchar.all(coding) {
			return refuse(400, "Transfer-Encoding is malformed")
		}
	}
	return refuse(501, "a transfer coding other than chunked") // §6.1
}

// announced refuses a Trailer field that announces framing.
func announced(h Header) error {
	for name := range h.Tokens("Trailer") {
		if forbiddenTrailer(name) {
			return refuse(400, "Trailer announces a field that may not stand there")
		}
	}
	return nil
}

// forbiddenTrailer reports whether a field frames or routes a message, or belongs
// to the hop (RFC 9110 §6.5.1, §7.6.1).
func forbiddenTrailer(name string) bool {
	for _, no := range [...]string{
		"Content-Length", "Transfer-Encoding", "Content_Length", "Transfer_Encoding", "Host", "Trailer", "TE",
		"Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "Expect", "Max-Forwards",
	} {
		if sameFold(name, no) {
			return true
		}
	}
	return false
}

// closes reports whether no message may follow. HTTP/1.0 connections are not kept
// (see "Deliberate differences").
func closes(h Header, minor int) bool {
	return minor == 0 || h.HasToken("Connection", "close") // RFC 9112 §9.6
}

// upgrade returns the protocols in the Upgrade fields, if Connection names them
// (RFC 9110 §7.8).
func upgrade(h Header, minor int) string {
	if minor == 0 || !h.Has("Upgrade") || !h.HasToken("Connection", "upgrade") || h.HasToken("Upgrade", "h2c") {
		return ""
	}
	all := ""
	for protocol := range h.Tokens("Upgrade") {
		if all != "" {
			all += ", "
		}
		all += protocol
	}
	return all
}
