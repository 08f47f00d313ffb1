package config

// Changed returns the names of the settings that have another value in next, in the order of the table.
func (c *Config) Changed(next *Config) (names []string) {
	for _, s := range settings {
		if s.yaml(c) != s.yaml(next) {
			names = append(names, s.name)
		}
	}
	return names
}

// With returns a copy of c in which the named settings have the values, and the sources, that they have in next.
func (c *Config) With(next *Config, names []string) *Config {
	mixed := *c
	mixed.origins = map[string]string{}
	for _, s := range settings {
		from := c
		for _, name := range names {
			if name == s.name {
				from = next
			}
		}
		s.take(&mixed, from)
		if where, ok := from.origins[s.name]; ok {
			mixed.origins[s.name] = where
		}
	}
	return &mixed
}
