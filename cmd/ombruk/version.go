package main

import "runtime/debug"

// version and commit are set by the release build with -ldflags -X; they are
// empty in a build from source.
var version, commit string

// toolVersion is the release's version, else the module's, else "devel".
func toolVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// toolCommit is the commit the binary was built from, "unknown" where the
// build did not record it.
func toolCommit() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
