package observe

// Names are what an operator finds settings under, for what advice and the log say of
// them. A setting that has no name cannot be set where they are. The zero value is
// [NamesInGo].
type Names struct {
	WriteRoutes    string // marks requests as writing
	ReadRoutes     string // marks them as only reading
	ClientNetworks string // says where clients are
	Database       string // shows what requests do to the database
}

// NamesInGo are those of an app that imports package homing.
func NamesInGo() Names {
	return Names{
		WriteRoutes: "WriteRoutes", ReadRoutes: "ReadRoutes", ClientNetworks: "Config.ClientNetworks",
		Database: "homing/postgres or homing/sqlite",
	}
}
