package postgres

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing/region"
)

const listVariable = "DATABASE_REPLICA_URLS"

// listed is a URL of a list, with its region if that is named.
type listed struct {
	region region.Code
	pool   *pgxpool.Config
}

// A comma separates only before a scheme: others are between the hosts of one URL.
// No password can hold "://", since a "/" ends it.
var nextURL = regexp.MustCompile(`,(?:[^\s,=:/@]*=)?postgres(?:ql)?://`)

// parseList reads several URLs, all with a region before them or none. Its errors
// count them instead of quoting.
func parseList(text string) ([]listed, error) {
	var list []listed
	for i, item := range splitList(text) {
		name := fmt.Sprintf("%s, number %d", listVariable, i+1)
		l, err := parseListed(name, item)
		if err != nil {
			return nil, err
		}
		for _, earlier := range list {
			switch {
			case (earlier.region == "") != (l.region == ""):
				return nil, fmt.Errorf("postgres: %s: either all have a region, as in gru=postgres://…, or none has", name)
			case l.region != "" && earlier.region == l.region:
				return nil, fmt.Errorf("postgres: %s: region %q has one already; two hosts go into one URL, as in postgres://host1,host2/database", name, l.region)
			}
		}
		list = append(list, l)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("postgres: %s holds no URL; %s", listVariable, wanted)
	}
	return list, nil
}

func splitList(text string) []string {
	var items []string
	for _, field := range strings.Fields(text) {
		start := 0
		for _, at := range nextURL.FindAllStringIndex(field, -1) {
			items = append(items, field[start:at[0]])
			start = at[0] + 1
		}
		items = append(items, field[start:])
	}
	var full []string
	for _, item := range items {
		if item = strings.Trim(item, ","); item != "" {
			full = append(full, item)
		}
	}
	return full
}

func parseListed(name, item string) (listed, error) {
	before, _, _ := strings.Cut(item, "://")
	code, _, named := strings.Cut(before, "=")
	var l listed
	var err error
	if named {
		item = item[len(code)+1:]
		// Its own error would quote what may be part of a password.
		if l.region, err = region.Parse(code); err != nil || l.region.IsAlias() {
			return l, fmt.Errorf(`postgres: %s: what is before the "=" is not one region, such as gru`, name)
		}
	}
	if !strings.HasPrefix(item, "postgres://") && !strings.HasPrefix(item, "postgresql://") {
		return l, fmt.Errorf("postgres: %s: it does not begin with postgres:// or a region as in gru=postgres://; a blank within is written %%20", name)
	}
	l.pool, err = parse(name, item)
	return l, err
}
