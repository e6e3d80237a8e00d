<?php
// The database, by the variables that Laravel uses.
$db = new PDO(
    sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('DB_HOST'), getenv('DB_PORT') ?: '5432', getenv('DB_DATABASE')),
    getenv('DB_USERNAME'),
    getenv('DB_PASSWORD'),
    [PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC],
);

function query(string $sql, array $args = []): PDOStatement
{
    global $db;
    $statement = $db->prepare($sql);
    $statement->execute($args);
    return $statement;
}
