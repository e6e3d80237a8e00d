# An app that knows nothing of regions and keeps one connection to its database, as a
# pool would: psql's, which ends when that is lost. It answers 500 where a statement fails.
import http.server
import os
import subprocess
import threading

psql, asking = None, threading.Lock()


def ask(sql):
    global psql
    with asking:
        if psql is None:
            psql = subprocess.Popen([os.environ["PSQL"], "-XAtq", os.environ["DATABASE_URL"]], text=True,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = []
        try:
            psql.stdin.write(sql + ";\n\\echo state :SQLSTATE\n")
            psql.stdin.flush()
            for line in psql.stdout:
                if line.startswith("state "):
                    return line == "state 00000\n", " ".join(said)
                said.append(line.strip())
        except BrokenPipeError:
            pass
        psql.wait()
        psql = None
        return False, "lost: " + " ".join(said)


class App(http.server.BaseHTTPRequestHandler):
    def answer(self, sql):
        ok, text = ask(sql)
        self.send_response(200 if ok else 500)
        self.send_header("X-Served-In", os.environ["FLY_REGION"])
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        if self.path == "/connection":
            self.answer("select pg_backend_pid()")
        else:
            self.answer("select count(*) from notes")

    def do_POST(self):
        self.answer("insert into notes values ('note') returning 'noted'")

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
