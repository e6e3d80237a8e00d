package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"homing/examples/links"
)

// routes are a Gin engine's as ever. The context that queries need is
// c.Request.Context(). c itself passes for one, too, and finds what the request's holds
// only since ContextWithFallback is on.
func routes(store links.Store) *gin.Engine {
	h := handlers{store}
	e := gin.New()
	e.ContextWithFallback = true
	e.Use(gin.Recovery())
	e.GET("/links", h.list)
	e.POST("/links", h.create)
	e.GET("/links/:id", h.show)
	e.DELETE("/links/:id", h.remove)
	e.GET("/links/:id/undo", h.remove)
	e.GET("/go/:name", h.follow)
	e.GET("/lucky", h.lucky)
	e.GET("/watch", h.watch)
	return e
}

type handlers struct{ store links.Store }

func (h handlers) list(c *gin.Context) {
	all, err := h.store.List(c.Request.Context())
	answer(c, http.StatusOK, all, err)
}

func (h handlers) create(c *gin.Context) {
	l, err := h.store.Create(c.Request.Context(), c.PostForm("name"), c.PostForm("url"))
	answer(c, http.StatusCreated, l, err)
}

func (h handlers) show(c *gin.Context) {
	l, err := h.store.Get(c.Request.Context(), id(c))
	answer(c, http.StatusOK, l, err)
}

func (h handlers) remove(c *gin.Context) {
	answer(c, http.StatusOK, "gone", h.store.Delete(c.Request.Context(), id(c)))
}

func (h handlers) follow(c *gin.Context) {
	l, err := h.store.Follow(c.Request.Context(), c.Param("name"))
	lead(c, l, err)
}

// lucky uses c as its context.
func (h handlers) lucky(c *gin.Context) {
	l, err := h.store.Lucky(c)
	lead(c, l, err)
}

// watch sends how many links there are, again and again, until its client has gone. At
// the first flush the answer leaves, and what happens after that goes home no more.
func (h handlers) watch(c *gin.Context) {
	c.Header("Content-Type", "text/event-stream")
	c.Stream(func(w io.Writer) bool {
		all, err := h.store.List(c.Request.Context())
		if err != nil {
			return false
		}
		fmt.Fprintf(w, "data: %d\n\n", len(all))
		c.Writer.Flush()
		select {
		case <-time.After(time.Second):
			return true
		case <-c.Request.Context().Done():
			return false
		}
	})
}

// id is 0, which no link has, where the path has no number.
func id(c *gin.Context) int64 {
	n, _ := strconv.ParseInt(c.Param("id"), 10, 64)
	return n
}

func lead(c *gin.Context, l links.Link, err error) {
	if err != nil {
		answer(c, 0, nil, err)
		return
	}
	c.Redirect(http.StatusFound, l.URL)
}

// answer's JSON is held back until the handler has returned. If the database refused a
// write meanwhile it is dropped, and the request runs again at home.
func answer(c *gin.Context, status int, v any, err error) {
	if err != nil {
		c.String(links.StatusOf(err), err.Error())
		return
	}
	c.JSON(status, v)
}
