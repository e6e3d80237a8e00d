# Asks an edge for one thing after another on one connection, and says what is wrong.
import hashlib, http.client, sys, urllib.request

host = sys.argv[1]
conn = http.client.HTTPConnection(host, timeout=30)


def ask(method, path, want, status=200, body=None, headers={}, chunked=False):
    conn.request(method, path, body=body, headers=headers, encode_chunked=chunked)
    answer = conn.getresponse()
    got = answer.read()
    if answer.status != status or got != want:
        sys.exit(f"{method} {path}: {answer.status}, {len(got)} bytes: {got[:80]!r}")


kib = b"p" * 1024
ask("GET", "/bytes/1024", b"x" * 1024)
sock = conn.sock
ask("HEAD", "/bytes/1024", b"")
ask("POST", "/echo", kib, body=kib)
ask("POST", "/echo", kib * 3, body=iter([kib, kib, kib]), headers={"Transfer-Encoding": "chunked"}, chunked=True)
ask("POST", "/home", b"home:" + kib, body=kib)
ask("GET", "/file", b"", 304, headers={"If-None-Match": '"v1"'})
ask("GET", "/file", b"3456", 206, headers={"Range": "bytes=3-6"})
ask("GET", "/bytes/1048576", b"x" * 1048576)
if conn.sock is not sock:
    sys.exit("the connection was not kept")
with urllib.request.urlopen(f"http://{host}/echo", kib, timeout=30) as answer:
    if answer.read() != kib:
        sys.exit("urllib got something else")
print("fine")
