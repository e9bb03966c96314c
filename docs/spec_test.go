package docs

import (
	"reflect"
	"strings"
	"testing"

	network "cooper/stage06-network"

	"github.com/stretchr/testify/require"
)

// Embedded structs flatten in JSON. When two Specs of the chain give a field
// the same name, encoding/json keeps one of them, or neither, and says
// nothing; the child would then read a Spec that the parent never wrote.
func TestNoFieldStandsTwiceAlongTheChainOfSpecs(t *testing.T) {
	fields := map[string]string{}
	chain := 0
	for spec := reflect.TypeFor[network.Spec](); spec != nil; spec = embeddedSpec(spec) {
		chain++
		for i := range spec.NumField() {
			field := spec.Field(i)
			if field.Anonymous {
				continue
			}
			require.True(t, field.IsExported(), "%s.%s: the child never gets a field that JSON can't see", spec, field.Name)
			key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			require.NotEmpty(t, key, "%s.%s has no name in JSON", spec, field.Name)
			require.Regexp(t, "^[a-z][a-zA-Z0-9]*$", key, "%s.%s: its name in JSON begins with a small letter", spec, field.Name)
			for _, name := range []string{"field " + field.Name, "JSON " + key} {
				require.Empty(t, fields[name], "%s and %s share the %s", fields[name], spec, name)
				fields[name] = spec.String()
			}
		}
	}
	require.Equal(t, 6, chain, "the chain leads from stage 6 to stage 1")
}

// embeddedSpec is the Spec of the stage before, nil for the first.
func embeddedSpec(spec reflect.Type) reflect.Type {
	field, embeds := spec.FieldByName("Spec")
	if !embeds || !field.Anonymous {
		return nil
	}
	return field.Type
}
