package engine

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"cooper/stage05-images"
)

// ImageFilter chooses among images. Each kind of condition must hold, and of
// several references one.
type ImageFilter struct {
	conditions []func(*images.Image) bool
	references []string
}

// ImageFilter reads the values of --filter, KEY=VALUE:
//
//	dangling=true        has no name (false: has one)
//	label=KEY[=VALUE]    has the label; label!=… doesn't
//	before=IMAGE         is older than that image; since=IMAGE is newer
//	until=TIME           is older than that moment, or than 10m
//	reference=PATTERN    has such a name: then only these are shown
func (e *Engine) ImageFilter(words []string) (*ImageFilter, error) {
	f := new(ImageFilter)
	for _, word := range words {
		key, value, found := strings.Cut(word, "=")
		if !found {
			return nil, tell(ErrInvalid, "filter %q: write KEY=VALUE", word)
		}
		condition, err := e.imageCondition(f, key, value)
		if err != nil {
			return nil, err
		}
		if condition != nil {
			f.conditions = append(f.conditions, condition)
		}
	}
	return f, nil
}

func (e *Engine) imageCondition(f *ImageFilter, key, value string) (func(*images.Image) bool, error) {
	switch key {
	case "dangling":
		want, err := strconv.ParseBool(value)
		if err != nil {
			return nil, tell(ErrInvalid, "filter dangling=%q: write true or false", value)
		}
		return func(img *images.Image) bool { return len(img.Names) == 0 == want }, nil
	case "label":
		return func(img *images.Image) bool { return hasLabel(img, value) }, nil
	case "label!":
		return func(img *images.Image) bool { return !hasLabel(img, value) }, nil
	case "before", "since":
		other, err := e.store.Find(value)
		if err != nil {
			return nil, err
		}
		if key == "since" {
			return func(img *images.Image) bool { return img.Created.After(other.Created) }, nil
		}
		return func(img *images.Image) bool { return img.Created.Before(other.Created) }, nil
	case "until":
		moment, err := parseTime(value, time.Now())
		if err != nil {
			return nil, err
		}
		return func(img *images.Image) bool { return img.Created.Before(moment) }, nil
	case "reference":
		return nil, f.AddReference(value)
	}
	return nil, tell(ErrInvalid, "filter %q: use before, dangling, label, reference, since or until", key)
}

func hasLabel(img *images.Image, want string) bool {
	return labelled(img.Config.Config.Labels, want)
}

// AddReference adds a pattern for names, as path.Match takes it: "debian",
// "debian:1*", "host:5000/*/*".
func (f *ImageFilter) AddReference(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil {
		return tell(ErrInvalid, "reference %q: %s", pattern, err)
	}
	if ref, err := images.ParseName(pattern); err == nil && strings.HasPrefix(pattern, ref.Host) {
		pattern = ref.FamiliarName() + strings.TrimPrefix(pattern, ref.Name()) // docker.io/library/debian is debian
	}
	f.references = append(f.references, pattern)
	return nil
}

// Choose returns what is to be shown of a list.
func (f *ImageFilter) Choose(list []*images.Image) (chosen []*images.Image) {
	for _, img := range list {
		if slices.ContainsFunc(f.conditions, func(holds func(*images.Image) bool) bool { return !holds(img) }) {
			continue
		}
		if len(f.references) == 0 {
			chosen = append(chosen, img)
			continue
		}
		shown := *img
		shown.Names = slices.DeleteFunc(slices.Clone(img.Names), func(name string) bool { return !f.refersTo(name) })
		if len(shown.Names) > 0 {
			chosen = append(chosen, &shown)
		}
	}
	return chosen
}

func (f *ImageFilter) refersTo(name string) bool {
	repository := name
	if ref, err := images.ParseName(name); err == nil {
		repository = ref.FamiliarName()
	}
	return slices.ContainsFunc(f.references, func(pattern string) bool {
		whole, _ := path.Match(pattern, name)
		part, _ := path.Match(pattern, repository)
		return whole || part
	})
}
