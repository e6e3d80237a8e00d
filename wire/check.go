package wire

// Check holds a request that something else has read, such as a server of HTTP/2,
// to the rules for the first line and the host of those that are read here, and to
// those for the fields that frame a message. The target must be in origin form, or
// "*" with OPTIONS; CONNECT is refused. Length must be what the other reader makes
// of it. The error is an [*Error].
func (req *Request) Check() error {
	if req.Host == "" && req.Minor != 0 {
		return refuse(400, "Host is missing")
	}
	if err := req.check(); err != nil {
		return err
	}
	for host := range req.Header.Values("Host") {
		if !sameFold(host, req.Host) {
			return refuse(400, "Host is not the authority that the request is for")
		}
	}
	f, err := frame(req.Header, 1)
	if err != nil {
		return err
	}
	if f.length >= 0 && f.length != req.Length {
		return refuse(400, "Content-Length is not the length of the body")
	}
	return nil
}
