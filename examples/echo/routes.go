package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"homing"
	"homing/examples/links"
)

// routes are an Echo's as ever. The context that queries need is c.Request().Context():
// an *echo.Context is none.
func routes(store links.Store) *echo.Echo {
	h := handlers{store}
	e := echo.New()
	e.Use(middleware.Recover())
	e.GET("/links", h.list)
	e.POST("/links", h.create)
	e.GET("/links/:id", h.show)
	e.DELETE("/links/:id", h.remove)
	e.GET("/links/:id/undo", h.remove, echo.WrapMiddleware(homing.Writes))
	e.GET("/go/:name", h.follow)
	e.GET("/lucky", h.lucky)
	e.GET("/watch", h.watch)
	return e
}

type handlers struct{ store links.Store }

func (h handlers) list(c *echo.Context) error {
	all, err := h.store.List(c.Request().Context())
	if err != nil {
		return failed(err)
	}
	return c.JSON(http.StatusOK, all)
}

func (h handlers) create(c *echo.Context) error {
	l, err := h.store.Create(c.Request().Context(), c.FormValue("name"), c.FormValue("url"))
	if err != nil {
		return failed(err)
	}
	return c.JSON(http.StatusCreated, l)
}

func (h handlers) show(c *echo.Context) error {
	id, _ := echo.PathParam[int64](c, "id") // 0, which no link has, if it is no number
	l, err := h.store.Get(c.Request().Context(), id)
	if err != nil {
		return failed(err)
	}
	return c.JSON(http.StatusOK, l)
}

func (h handlers) remove(c *echo.Context) error {
	id, _ := echo.PathParam[int64](c, "id")
	if err := h.store.Delete(c.Request().Context(), id); err != nil {
		return failed(err)
	}
	return c.JSON(http.StatusOK, "gone")
}

func (h handlers) follow(c *echo.Context) error {
	l, err := h.store.Follow(c.Request().Context(), c.Param("name"))
	if err != nil {
		return failed(err)
	}
	return c.Redirect(http.StatusFound, l.URL)
}

func (h handlers) lucky(c *echo.Context) error {
	l, err := h.store.Lucky(c.Request().Context())
	if err != nil {
		return failed(err)
	}
	return c.Redirect(http.StatusFound, l.URL)
}

// watch sends how many links there are, again and again, until its client has gone. At
// the first flush the answer leaves, and what happens after that goes home no more.
func (h handlers) watch(c *echo.Context) error {
	ctx := c.Request().Context()
	c.Response().Header().Set("Content-Type", "text/event-stream")
	for {
		all, err := h.store.List(ctx)
		if err != nil {
			return failed(err)
		}
		fmt.Fprintf(c.Response(), "data: %d\n\n", len(all))
		if err := http.NewResponseController(c.Response()).Flush(); err != nil {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil
		}
	}
}

// failed returns the error that Echo answers with. Homing has seen the database's, and
// drops the answer if the request runs again at home.
func failed(err error) error { return echo.NewHTTPError(links.StatusOf(err), err.Error()) }
