package providertest

import (
	"net/http"
	"strconv"
)

// file is a picture as the parameters it is drawn from.
type file struct {
	call ImageCall
	bad  bool // what is served is not a picture
}

func (f file) draw(by Responder) (Picture, error) {
	if f.bad {
		return Picture{Data: []byte("this is not a picture"), ContentType: "image/png"}, nil
	}
	return by.Image(f.call)
}

// keep remembers a picture and returns its address, on the host that the request came to.
func (u *Upstream) keep(r *http.Request, f file) string {
	id := strconv.FormatInt(u.fileIDs.Add(1), 10)
	u.files.put(id, f)
	return "http://" + r.Host + "/files/" + id
}

func (u *Upstream) file(w http.ResponseWriter, r *http.Request) {
	e := Entry{Route: RouteFile}
	if r.Header.Get("Authorization") != "" { // a storage service refuses a signed address with a second credential
		e.Status = 400
		u.journal.add(e)
		http.Error(w, "an API key must not be sent to a file's address", 400)
		return
	}
	stored, ok := u.files.get(r.PathValue("id"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	e.Model = stored.call.Model
	f := u.rules.pick(RouteFile)
	if u.refuse(w, r, f, e, openAIFaults) {
		return
	}
	stored.bad = stored.bad || f.Kind == BadPicture
	p, err := stored.draw(u.cfg.Responder)
	if err != nil {
		http.Error(w, "the picture cannot be drawn", 500)
		return
	}
	if f.Kind != "" {
		e.Status, e.Fault = answered(f), string(f.Kind)
		u.journal.add(e)
	}
	u.deliver(w, r, f, 0, p.ContentType, p.Data)
}
