"""Keeps short links, with Flask and psycopg2."""

import os

import psycopg2
from flask import Flask, abort, g, redirect, request
from psycopg2.extras import RealDictCursor

app = Flask(__name__)


def query(sql, *args):
    """Runs one statement in a transaction of its own, and returns its rows."""
    if "db" not in g:
        g.db = psycopg2.connect(os.environ["DATABASE_URL"], cursor_factory=RealDictCursor)
    with g.db, g.db.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall() if cursor.description else []


@app.teardown_appcontext
def close(_):
    if "db" in g:
        g.pop("db").close()


@app.cli.command("migrate")
def migrate():
    """Makes the table. It runs once for each release, before any machine has it."""
    query(
        """CREATE TABLE IF NOT EXISTS links (
            id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name   text    NOT NULL UNIQUE,
            url    text    NOT NULL,
            visits integer NOT NULL DEFAULT 0
        )"""
    )


@app.get("/up")
def up():
    return "ok"


@app.get("/links")
def index():
    return query("SELECT * FROM links ORDER BY id")


@app.post("/links")
def create():
    name, url = request.form["name"], request.form["url"]
    rows = query("INSERT INTO links (name, url) VALUES (%s, %s) RETURNING *", name, url)
    return rows[0], 201


@app.get("/links/<int:id>")
def show(id):
    rows = query("SELECT * FROM links WHERE id = %s", id)
    return rows[0] if rows else abort(404)


@app.get("/go/<name>")
def follow(name):
    """Leads on and counts the visit: a GET that writes."""
    rows = query("UPDATE links SET visits = visits + 1 WHERE name = %s RETURNING url", name)
    return redirect(rows[0]["url"]) if rows else abort(404)
