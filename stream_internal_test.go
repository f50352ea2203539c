package descent

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/descent-ml/descent/encode"
)

// TestStreamOptions: every option that has a part in a model works with a stream or is refused; one that is new is neither until this list or checkStream has it.
func TestStreamOptions(t *testing.T) {
	works := []string{"target", "include", "exclude", "categorical", "numeric", "weight", "offset", "positive", "against-rest", "softmax", "reference-class",
		"max-classes", "missing", "unseen", "max-levels", "na", "scale", "equations", "l2", "l1", "stream", "alpha", "batch", "seed", "cost"}
	var base Config
	for _, o := range base.options() {
		c := Config{}
		c.Solver.Stream = true
		for _, p := range c.options() {
			if p.name != o.name {
				continue
			}
			v := reflect.ValueOf(p.value).Elem()
			switch v.Kind() {
			case reflect.String:
				v.SetString("x")
			case reflect.Bool:
				v.SetBool(true)
			case reflect.Int, reflect.Int64:
				v.SetInt(2)
			case reflect.Uint64:
				v.SetUint(2)
			case reflect.Float64:
				v.SetFloat(2)
			case reflect.Slice:
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			case reflect.Map:
				v.Set(reflect.ValueOf(map[string]string{"a": "b"}))
			case reflect.Pointer:
				v.Set(reflect.New(v.Type().Elem()))
			case reflect.Struct:
				v.Set(reflect.ValueOf(ClassWeight{Balanced: true}))
			default:
				t.Fatalf("%s: a %v", p.name, v.Kind())
			}
		}
		if o.name == "coding" {
			c.Encoding.Coding = encode.CodingReference // full is what a stream has
		}
		err := c.checkStream()
		if refused := err != nil && strings.Contains(err.Error(), "stream and "); refused == slices.Contains(works, o.name) {
			t.Errorf("%s: refused: %v (%v)", o.name, refused, err)
		}
	}
}
