# The same app as app.js, as far as Python's own server goes.
import http.server
import os
import sys
import time

here, home = os.environ.get("FLY_REGION"), os.environ.get("PRIMARY_REGION")


class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, text, **header):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        for name, value in header.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        if self.path == "/refused" and here != home:
            self.answer(500, "this is a replica\n", Homing_Did="refused")
        elif self.path == "/refused":
            self.answer(200, "written in " + here, Homing_Did="wrote")
        elif self.path == "/slow":
            print("slow has begun", flush=True)
            time.sleep(0.15)
            self.answer(200, "slow, but whole")
        elif self.path == "/crash":
            os._exit(3)
        else:
            self.answer(200, "%s in %s" % (self.command, here))

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(200, "%s in %s" % (self.command, here))

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
