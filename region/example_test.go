package region_test

import (
	"fmt"

	"homing/region"
)

func Example() {
	primary, err := region.Parse("GRU")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range []region.Code{"gru", "ord", "fra-1"} {
		rtt, ok := region.RoundTrip(c, primary)
		fmt.Println(c.City(), rtt, ok, region.Code("sa").Includes(c))
	}
	// Output:
	// São Paulo 0s true true
	// Chicago 119.7ms true false
	// fra-1 0s false false
}

func ExampleParse() {
	_, err := region.Parse("Chicago, IL")
	fmt.Println(err)
	// Output:
	// region "Chicago, IL": want 2 to 32 of a-z, 0-9 and '-', starting with a letter, such as "ord"
}

func ExampleSuggest() {
	for _, typed := range []string{"gur", "chicago", "atlantis"} {
		fmt.Println(region.Suggest(typed))
	}
	// Output:
	// gru true
	// ord true
	//  false
}

func ExampleCode_Includes() {
	europe := region.Code("eu")
	fmt.Println(europe.Includes("lhr"), europe.Includes("ord"))
	// Output: true false
}
