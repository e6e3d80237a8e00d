// Package machine says what a machine is: one running copy of an app, in one
// region, with an ID, a process group and a role towards its database; and how
// a process learns which machine it is, from its environment.
//
// The variables are Fly's (FLY_APP_NAME, FLY_MACHINE_ID, FLY_REGION, …), so an
// app that reads them needs no change here. Reading and writing are two sides
// of one type:
//
//	env, err := machine.ReadEnv(os.Getenv) // in the app
//	cmd.Env = append(cmd.Env, env.Environ()...) // in whoever starts the app
package machine
