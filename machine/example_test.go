package machine_test

import (
	"fmt"

	"homing/machine"
)

func ExampleReadEnv() {
	vars := map[string]string{"FLY_MACHINE_ID": "9020ee72fd7948", "FLY_REGION": "gru", "PRIMARY_REGION": "ord", "PORT": "8o80"}
	env, err := machine.ReadEnv(func(name string) string { return vars[name] }) // os.Getenv, normally
	fmt.Println(env.ID, env.Region, env.PrimaryRegion)
	fmt.Println(err)
	// Output:
	// 9020ee72fd7948 gru ord
	// PORT: "8o80" is not a port; want a number from 1 to 65535
}

func ExampleEnv_Environ() {
	for _, v := range (machine.Env{App: "guestbook", ID: "web-1", Region: "gru", PrimaryRegion: "ord", Port: 8080, Edge: true}).Environ() {
		fmt.Println(v)
	}
	// Output:
	// FLY_APP_NAME=guestbook
	// FLY_MACHINE_ID=web-1
	// FLY_ALLOC_ID=web-1
	// FLY_REGION=gru
	// PRIMARY_REGION=ord
	// PORT=8080
	// HOMING_EDGE=1
}
