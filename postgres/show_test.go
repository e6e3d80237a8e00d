package postgres

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestAConfigIsShownWithoutPasswords(t *testing.T) {
	withoutLibpq(t)
	c, err := ParseConfigFrom(in("gru"), lookup(map[string]string{
		"DATABASE_URL":          "postgres://boss:geheim1@primary.example/shop",
		"DATABASE_REPLICA_URLS": "postgres://app:geheim2@a.example:6000/shop postgres://app:geheim3@b.example/shop?password=geheim4",
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range logged(*c) {
		if strings.Contains(shown, "geheim") {
			t.Errorf("a password in %s", shown)
		}
	}
	for _, want := range []string{`rule="` + string(ByShortestConnect) + `"`, `region="gru"`, `host="a.example"`, `port="6000"`, `database="shop"`, `user="app"`, `primary_host="primary.example"`} {
		if !strings.Contains(fmt.Sprintf("%+v", c), want) {
			t.Errorf("%+v does not show %s", c, want)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		if got := fmt.Sprintf(verb+" "+verb, c, *c); got != c.String()+" "+c.String() {
			t.Errorf("%s shows %s", verb, got)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "db", c)
	if !strings.Contains(log.String(), `"db":{"rule":`) {
		t.Errorf("the log has no group: %s", &log)
	}
}

func TestAnEmptyConfigIsShown(t *testing.T) {
	if got := fmt.Sprint(Config{}, new(Config)); strings.Count(got, "postgres.Config{") != 2 {
		t.Error(got)
	}
}
