CREATE TABLE links (
	id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name   text   NOT NULL UNIQUE,
	url    text   NOT NULL,
	visits bigint NOT NULL DEFAULT 0
);
