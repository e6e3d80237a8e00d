package main

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"homing/examples/links"
)

// store keeps links with GORM. Each query begins with WithContext: without it nobody
// knows whose it is.
type store struct{ db *gorm.DB }

// List implements [links.Store].
func (s store) List(ctx context.Context) (all []links.Link, err error) {
	return all, s.db.WithContext(ctx).Order("id").Find(&all).Error
}

// Get implements [links.Store].
func (s store) Get(ctx context.Context, id int64) (l links.Link, err error) {
	return l, notFound(s.db.WithContext(ctx).First(&l, id).Error)
}

// Create implements [links.Store]. GORM does it in a transaction of its own.
func (s store) Create(ctx context.Context, name, url string) (links.Link, error) {
	l := links.Link{Name: name, URL: url}
	return l, s.db.WithContext(ctx).Create(&l).Error
}

// Delete implements [links.Store].
func (s store) Delete(ctx context.Context, id int64) error {
	return s.db.WithContext(ctx).Delete(&links.Link{}, id).Error
}

// Follow implements [links.Store]. GORM writes to its own log what went wrong; nobody
// looks at the error here.
func (s store) Follow(ctx context.Context, name string) (l links.Link, err error) {
	if err := s.db.WithContext(ctx).Where("name = ?", name).First(&l).Error; err != nil {
		return l, notFound(err)
	}
	s.db.WithContext(ctx).Model(&l).UpdateColumn("visits", gorm.Expr("visits + 1"))
	return l, nil
}

// Lucky implements [links.Store]. What is done with tx has the context of its beginning.
func (s store) Lucky(ctx context.Context) (l links.Link, err error) {
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Order("visits, id").First(&l).Error; err != nil {
			return notFound(err)
		}
		return tx.Model(&l).UpdateColumn("visits", gorm.Expr("visits + 1")).Error
	})
	return l, err
}

func notFound(err error) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return links.ErrNotFound
	}
	return err
}
