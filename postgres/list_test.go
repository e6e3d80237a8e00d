package postgres

import (
	"slices"
	"strings"
	"testing"
)

var listCases = []struct {
	behaviour, text string
	want            []string // region, host, port; nil: refused
}{
	{"one", "postgres://a/d", []string{" a 5432"}},
	{"blanks", "  postgres://a/d\n\tpostgresql://b:1/d ", []string{" a 5432", " b 1"}},
	{"commas", "postgres://a/d,postgres://b/d", []string{" a 5432", " b 5432"}},
	{"both", "postgres://a/d, postgres://b/d ,postgres://c/d,", []string{" a 5432", " b 5432", " c 5432"}},
	{"regions", "gru=postgres://a/d AMS=postgres://b/d", []string{"gru a 5432", "ams b 5432"}},
	{"regions and commas", "gru=postgres://a/d,fra-1=postgres://b/d", []string{"gru a 5432", "fra-1 b 5432"}},
	{"a URL with several hosts stays one", "postgres://a,b:2,c/d,postgres://e/d", []string{" a,b,c 5432,2,5432", " e 5432"}},
	{"a setting with commas stays one", "postgres://a/d?search_path=x,y,postgres://b/d?sslmode=disable", []string{" a 5432", " b 5432"}},
	{"an equals sign in a setting is no region", "postgres://a/d?sslmode=disable postgres://b/d", []string{" a 5432", " b 5432"}},
	{"a password with a comma", "postgres://u:x,y@a/d,postgres://b/d", []string{" a 5432", " b 5432"}},
	{"nothing", " ,, ", nil},
	{"keywords", "host=a password=geheim", nil},
	{"a host alone", "a", nil},
	{"regions for some", "gru=postgres://a/d postgres://b/d", nil},
	{"regions for the others", "postgres://a/d gru=postgres://b/d", nil},
	{"a region twice", "gru=postgres://a/d gru=postgres://b/d", nil},
	{"a group of regions", "eu=postgres://a/d", nil},
	{"no region before the sign", "=postgres://a/d", nil},
	{"blanks around the sign", "gru = postgres://a/d", nil},
	{"a region that cannot be", "geheim_1=postgres://a/d", nil},
	{"a region twice before a URL", "gru=ams=postgres://a/d", nil},
	{"a bad URL among good ones", "postgres://a/d postgres://u:geheim@b:x/d", nil},
	{"a blank in a password", "postgres://a/d postgres://u:geheim geheim@b/d", nil},
	{"another scheme", "gru=mysql://u:geheim@a/d", nil},
}

func TestParseList(t *testing.T) {
	withoutLibpq(t)
	for _, tt := range listCases {
		t.Run(tt.behaviour, func(t *testing.T) {
			list, err := parseList(tt.text)
			var got []string
			for _, l := range list {
				hosts, ports := place(&l.pool.ConnConfig.Config)
				got = append(got, string(l.region)+" "+hosts+" "+ports)
			}
			if !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), "DATABASE_REPLICA_URLS") || strings.Contains(err.Error(), "geheim")) {
				t.Errorf("%q", err)
			}
		})
	}
}

func FuzzParseList(f *testing.F) {
	for _, name := range libpqs {
		f.Setenv(name, "")
	}
	for _, tt := range listCases {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		items := splitList(text)
		if again := splitList(strings.Join(items, " ")); !slices.Equal(items, again) {
			t.Fatalf("%q, and again %q", items, again)
		}
		list, err := parseList(text)
		switch {
		case err != nil && (list != nil || strings.Contains(err.Error(), "\n")):
			t.Fatalf("%d items and %q", len(list), err)
		case err == nil && (len(list) == 0 || len(list) != len(items)):
			t.Fatalf("%d items of %q", len(list), items)
		}
		for _, l := range list {
			if l.pool == nil || (l.region == "") != (list[0].region == "") {
				t.Fatalf("%q has regions for some", text)
			}
		}
	})
}
