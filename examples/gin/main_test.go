package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/gin-gonic/gin"

	"homing/examples/internal/suite"
	"homing/postgres"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode) // it lists its routes otherwise
	os.Exit(m.Run())
}

func TestGin(t *testing.T) {
	w := suite.Test(t, suite.Stack{App: newApp, Run: run, Seen: asContext(true), Unseen: asContext(false)})
	t.Run("an answer that goes on leaves as it is written", func(t *testing.T) { suite.TestWatch(t, w) })
}

// asContext hands the driver Gin's own context, with ContextWithFallback or without.
func asContext(fallback bool) func(*postgres.DB) map[string]suite.Way {
	name := "gins-context-without-fallback"
	if fallback {
		name = "gins-context-with-fallback"
	}
	return func(db *postgres.DB) map[string]suite.Way {
		engine := gin.New()
		engine.ContextWithFallback = fallback
		return map[string]suite.Way{name: func(r *http.Request) error {
			c := gin.CreateTestContextOnly(httptest.NewRecorder(), engine)
			c.Request = r
			_, err := db.Pool().Exec(c, suite.All)
			return err
		}}
	}
}
