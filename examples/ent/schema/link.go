// Package schema says what Ent generates its client from.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
)

// Link is a short name for an address.
type Link struct{ ent.Schema }

// Fields implements [ent.Interface].
func (Link) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("name").Unique(),
		field.String("url"),
		field.Int64("visits").Default(0),
	}
}
