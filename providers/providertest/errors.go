package providertest

// canned is an answer that a request gets without being run.
type canned struct {
	status int
	body   any
}

type object = map[string]any

func openAIError(status int, kind, code, message string) canned {
	return canned{status, object{"error": object{"message": message, "type": kind, "param": nil, "code": code}}}
}

// The errors of OpenAI, as it words them.
var openAIFaults = map[FaultKind]canned{
	Status401: openAIError(401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
	Status403: openAIError(403, "invalid_request_error", "unsupported_country_region_territory", "Country, region, or territory not supported"),
	Status429: openAIError(429, "requests", "rate_limit_exceeded", "Rate limit reached for requests per min (RPM)."),
	Status500: openAIError(500, "server_error", "server_error", "The server had an error while processing your request."),
	Status503: openAIError(503, "service_unavailable_error", "server_is_overloaded", "The server is currently overloaded with other requests."),
	Quota:     openAIError(429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota, please check your plan and billing details."),
}

// Pictures are blocked before anything runs, where a completion is refused by the model itself.
var openAIImageFaults = func() map[FaultKind]canned {
	m := map[FaultKind]canned{Refusal: openAIError(400, "image_generation_user_error", "moderation_blocked",
		"Your request was rejected by the safety system. safety_violations=[violence].")}
	for kind, c := range openAIFaults {
		m[kind] = c
	}
	return m
}()

func openAIInvalid(message string) canned {
	return openAIError(400, "invalid_request_error", "invalid_value", message)
}

// runwareFault is an error of Runware before it has a task: the kinds that keep a task from running.
var runwareFaults = map[FaultKind]struct {
	status        int
	code, message string
}{
	Status401: {401, "invalidApiKey", "Invalid API key."},
	Status403: {403, "permissionDenied", "Your account may not use this."},
	Status429: {429, "rateLimitExceeded", "Too many requests."},
	Status500: {500, "internalServerError", "Internal server error."},
	Status503: {503, "serviceUnavailable", "Service temporarily unavailable."},
	Quota:     {402, "insufficientCredits", "Insufficient credits. Please top up your balance."},
	Refusal:   {400, "contentPolicyViolation", "The prompt was refused by the content policy."},
}

func runwareError(code, message, taskType, taskUUID string) object {
	return object{"code": code, "message": message, "parameter": nil, "type": nil,
		"taskType": taskType, "taskUUID": taskUUID, "documentation": "https://runware.ai/docs/platform/errors"}
}

// runwareCanned returns the errors that keep a task from running, for one task.
func runwareCanned(taskType, taskUUID string) map[FaultKind]canned {
	m := make(map[FaultKind]canned, len(runwareFaults))
	for kind, f := range runwareFaults {
		m[kind] = canned{f.status, object{"errors": []object{runwareError(f.code, f.message, taskType, taskUUID)}}}
	}
	return m
}
