package wire_test

import (
	"fmt"
	"io"
	"os"
	"strings"

	"homing/wire"
)

// Two requests stand behind one another; the second could be read in two ways.
func ExampleReader() {
	client := strings.NewReader("POST /notes HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\n\r\nhello" +
		"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	r := wire.NewReader(client, wire.Limits{})
	for {
		req, err := r.ReadRequest()
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(r.Body())
		fmt.Printf("%s %s of %s: %q\n", req.Method, req.Target, req.Host, body)
	}
	// Output:
	// POST /notes of example.com: "hello"
	// Content-Length stands beside Transfer-Encoding
}

// An answer in chunks, with a trailer.
func ExampleAppendResponseHead() {
	head, err := wire.AppendResponseHead(nil, &wire.Response{
		Status: 200, Reason: "OK", Length: wire.Chunked, Header: wire.Header{{Name: "Trailer", Value: "X-Sum"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	out := strings.NewReplacer("\r\n", "\n")
	out.WriteString(os.Stdout, string(head))
	var body strings.Builder
	w := wire.NewChunkWriter(&body)
	io.WriteString(w, "hello, all of you")
	w.Trailer.Add("X-Sum", "17")
	w.Close()
	out.WriteString(os.Stdout, body.String())
	// Output:
	// HTTP/1.1 200 OK
	// Transfer-Encoding: chunked
	// Trailer: X-Sum
	//
	// 11
	// hello, all of you
	// 0
	// X-Sum: 17
}
