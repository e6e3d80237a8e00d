# An app with a database that knows nothing of regions: it asks whatever DATABASE_URL
# leads to, by psql, and answers 500 when that fails.
import http.server
import os
import subprocess

# What frameworks add to a URL is for themselves.
url = os.environ["DATABASE_URL"].replace("pool=5&", "")

def ask(sql):
    done = subprocess.run([os.environ["PSQL"], "-XAtqc", sql, url], capture_output=True, text=True)
    return done.returncode == 0, done.stdout.strip() or done.stderr.strip()


class App(http.server.BaseHTTPRequestHandler):
    def answer(self, ok, text, status=500):
        self.send_response(200 if ok else status)
        self.send_header("X-Served-In", os.environ["FLY_REGION"])
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        if self.path == "/visit":  # writes, whatever its method says
            self.answer(*ask("insert into notes values ('visit') returning 'visited'"))
        elif self.path == "/nothing":
            self.answer(False, "an error of its own")
        elif self.path == "/missing":
            self.answer(False, "no such note", 404)
        else:
            self.answer(*ask("select count(*) from notes"))

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(*ask("insert into notes values ('note') returning 'noted'"))

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
