<?php
// Makes the table. It runs once for each release, before any machine has it.
require __DIR__ . '/database.php';

query('CREATE TABLE IF NOT EXISTS links (
    id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name   text    NOT NULL UNIQUE,
    url    text    NOT NULL,
    visits integer NOT NULL DEFAULT 0
)');
