package providertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/scrip-go/scrip/providers"
)

type runwareTask struct {
	Type        string `json:"taskType"`
	UUID        string `json:"taskUUID"`
	Model       string `json:"model"`
	Prompt      string `json:"positivePrompt"`
	Width       *int   `json:"width"`
	Height      *int   `json:"height"`
	N           *int   `json:"numberResults"`
	OutputType  string `json:"outputType"`
	Format      string `json:"outputFormat"`
	IncludeCost bool   `json:"includeCost"`
}

// runwareFormats are the API's words, which it takes in any case.
var runwareFormats = map[string]providers.Format{"": "", "PNG": providers.PNG, "JPG": providers.JPEG, "WEBP": providers.WebP}

// task is a task that was taken: what is needed to answer for it again.
type task struct {
	uuid, outputType string
	files            []file
	addresses        []string
	each             decimal.NullDecimal // USD for one picture, if it is to be told
	ready            time.Time
	failed           bool
}

// call checks a task; the texts are the code and the message of what is wrong with it.
func (q runwareTask) call() (c ImageCall, n int, code, message string) {
	c, n = ImageCall{Model: q.Model, Prompt: q.Prompt, Width: 1024, Height: 1024}, 1
	if q.Width != nil && q.Height != nil {
		c.Width, c.Height = *q.Width, *q.Height
	}
	if q.N != nil {
		n = *q.N
	}
	format, known := runwareFormats[strings.ToUpper(q.Format)]
	c.Format = format
	switch {
	case q.UUID == "":
		return c, n, "validationFailed", "taskUUID is required."
	case q.Model == "":
		return c, n, "validationFailed", "model is required."
	case q.Prompt == "":
		return c, n, "missingPositivePrompt", "positivePrompt is required."
	case (q.Width == nil) != (q.Height == nil) || !sized(c.Width, c.Height):
		return c, n, "invalidWidth", "width and height go together and must be in range."
	case n < 1 || n > 20:
		return c, n, "valueTooLarge", "numberResults is out of range."
	case !known:
		return c, n, "validationFailed", "outputFormat is not one of JPG, PNG and WEBP."
	}
	return c, n, "", ""
}

func (u *Upstream) runware(w http.ResponseWriter, r *http.Request) {
	e := Entry{Route: RouteRunware}
	var tasks []runwareTask
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestLimit))
	if err != nil || json.Unmarshal(body, &tasks) != nil || len(tasks) != 1 {
		u.answer(w, e, runwareRefusal(400, "validationFailed", "The body must be an array; this fake takes one task at a time.", "", ""))
		return
	}
	q := tasks[0]
	e.Attempt, e.Model = q.UUID, q.Model
	if !u.admits(r) {
		u.answer(w, e, runwareCanned(q.Type, q.UUID)[Status401])
		return
	}
	switch q.Type {
	case "imageInference":
		u.inference(w, r, e, q)
	case "getResponse":
		e.Route = RoutePoll
		u.poll(w, r, e, q)
	default:
		u.answer(w, e, runwareRefusal(400, "unsupportedTaskType", "The task type is not supported.", q.Type, q.UUID))
	}
}

func (u *Upstream) inference(w http.ResponseWriter, r *http.Request, e Entry, q runwareTask) {
	call, n, code, message := q.call()
	if code != "" {
		u.answer(w, e, runwareRefusal(400, code, message, q.Type, q.UUID))
		return
	}
	f := u.rules.pick(RouteRunware)
	if u.refuse(w, r, f, e, runwareCanned(q.Type, q.UUID)) {
		return
	}
	t := &task{uuid: q.UUID, outputType: q.OutputType, ready: time.Now().Add(u.cfg.Latency + f.Delay), failed: f.Kind == ErrorIn200}
	for i := range n {
		call.Index = i
		t.files = append(t.files, file{call: call, bad: f.Kind == BadPicture})
		if q.OutputType == "" || q.OutputType == "URL" {
			t.addresses = append(t.addresses, u.keep(r, t.files[i]))
		}
	}
	if p, ok := u.cfg.Prices[q.Model]; ok && q.IncludeCost && f.Kind != NoUsage {
		t.each = decimal.NewNullDecimal(p.Image)
	}
	body, err := u.outcome(t, "")
	if err != nil {
		u.answer(w, e, runwareCanned(q.Type, q.UUID)[Status500])
		return
	}
	if !u.tasks.put(q.UUID, t) {
		u.answer(w, e, runwareRefusal(400, "conflictTaskUUID", "The taskUUID was used before.", q.Type, q.UUID))
		return
	}
	e.Status, e.Fault = answered(f), string(f.Kind)
	u.bill(&e, 0, 0, n)
	u.journal.add(e)
	u.deliver(w, r, f, u.cfg.Latency, "application/json", body)
}

// poll answers getResponse. It bills nothing.
func (u *Upstream) poll(w http.ResponseWriter, r *http.Request, e Entry, q runwareTask) {
	f := u.rules.pick(RoutePoll)
	if u.refuse(w, r, f, e, runwareCanned(q.Type, q.UUID)) {
		return
	}
	t, ok := u.tasks.get(q.UUID)
	if !ok {
		u.answer(w, e, runwareRefusal(400, "taskNotFound", "No task with this taskUUID.", q.Type, q.UUID))
		return
	}
	body := encode(object{"data": []object{{"taskType": "imageInference", "taskUUID": t.uuid, "status": "processing"}}})
	if !time.Now().Before(t.ready) {
		var err error
		if body, err = u.outcome(t, "success"); err != nil {
			u.answer(w, e, runwareCanned(q.Type, q.UUID)[Status500])
			return
		}
	}
	e.Status, e.Fault = answered(f), string(f.Kind)
	u.journal.add(e)
	u.deliver(w, r, f, 0, "application/json", body)
}

// outcome writes what became of a task, with the status that getResponse adds to each result.
func (u *Upstream) outcome(t *task, status string) ([]byte, error) {
	if t.failed {
		failure := runwareError("inferenceError", "The inference failed.", "imageInference", t.uuid)
		if status != "" {
			failure["status"] = "error"
		}
		return encode(object{"errors": []object{failure}}), nil
	}
	data := make([]object, len(t.files))
	for i, f := range t.files {
		h := fnv.New32a()
		fmt.Fprint(h, t.uuid, i)
		item := object{"taskType": "imageInference", "taskUUID": t.uuid, "seed": h.Sum32(),
			"imageUUID": fmt.Sprintf("%08x-0000-4000-8000-%012d", h.Sum32(), i)}
		if t.each.Valid {
			item["cost"] = json.Number(t.each.Decimal.String())
		}
		if status != "" {
			item["status"] = status
		}
		if t.addresses != nil {
			item["imageURL"] = t.addresses[i]
		} else {
			p, err := f.draw(u.cfg.Responder)
			if err != nil {
				return nil, err
			}
			text := base64.StdEncoding.EncodeToString(p.Data)
			if t.outputType == "dataURI" {
				item["imageDataURI"] = "data:" + p.ContentType + ";base64," + text
			} else {
				item["imageBase64Data"] = text
			}
		}
		data[i] = item
	}
	return encode(object{"data": data}), nil
}

func runwareRefusal(status int, code, message, taskType, taskUUID string) canned {
	return canned{status, object{"errors": []object{runwareError(code, message, taskType, taskUUID)}}}
}
