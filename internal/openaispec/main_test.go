package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// small is a description in which everything that is trimmed and changed is there once.
const small = `{
	"openapi": "3.1.0", "info": {"title": "A", "version": "1", "license": {"name": "MIT"}, "contact": {}}, "security": [{"ApiKeyAuth": []}],
	"paths": {
		"/chat/completions": {"get": {}, "post": {"operationId": "chat", "tags": ["x"],
			"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Chat"}}}},
			"x-oaiMeta": {"examples": [{"response": "not JSON"}, {"response": "{\"a\": 1}"}]}}},
		"/images/generations": {"post": {"operationId": "image",
			"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"n": {"type": "integer", "minimum": -9223372036854775808, "nullable": true}}}}}}}},
		"/other": {}
	},
	"components": {"securitySchemes": {"ApiKeyAuth": {"type": "http"}, "Other": {}}, "schemas": {
		"Chat": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"title": {"type": "string", "title": "T", "x-a": 1}}, "required": ["title"]}]},
		"Base": {"allOf": [{"properties": {"tree": {"$ref": "#/components/schemas/Tree"}}, "required": ["tree"]}]},
		"Tree": {"description": "d", "type": "object", "properties": {
			"kind": {"type": "string", "enum": ["a"], "nullable": true}, "next": {"oneOf": [{"$ref": "#/components/schemas/Tree"}], "nullable": true}}},
		"Unused": {}
	}}
}`

const trimmed = `{
 "components": {
  "schemas": {
   "Tree": {
    "properties": {
     "kind": {
      "enum": [
       "a",
       null
      ],
      "type": [
       "string",
       "null"
      ]
     },
     "next": {
      "anyOf": [
       {
        "oneOf": [
         {
          "$ref": "#/components/schemas/Tree"
         }
        ]
       },
       {
        "type": "null"
       }
      ]
     }
    },
    "type": "object"
   }
  },
  "securitySchemes": {
   "ApiKeyAuth": {
    "type": "http"
   }
  }
 },
 "info": {
  "license": {
   "name": "MIT"
  },
  "title": "A",
  "version": "1",
  "x-commit": "c0ffee",
  "x-repository": "openai/openai-openapi"
 },
 "openapi": "3.1.0",
 "paths": {
  "/v1/chat/completions": {
   "post": {
    "operationId": "chat",
    "requestBody": {
     "content": {
      "application/json": {
       "schema": {
        "additionalProperties": false,
        "properties": {
         "title": {
          "type": "string"
         },
         "tree": {
          "$ref": "#/components/schemas/Tree"
         }
        },
        "required": [
         "tree",
         "title"
        ],
        "type": "object"
       }
      }
     },
     "required": true
    },
    "responses": {
     "200": {
      "content": {
       "application/json": {
        "example": {
         "a": 1
        },
        "schema": {
         "type": "object"
        }
       }
      },
      "description": "OK"
     }
    }
   }
  },
  "/v1/images/generations": {
   "post": {
    "operationId": "image",
    "requestBody": {
     "content": {
      "application/json": {
       "schema": {
        "additionalProperties": false,
        "properties": {
         "n": {
          "minimum": -9223372036854775808,
          "type": [
           "integer",
           "null"
          ]
         }
        },
        "type": "object"
       }
      }
     },
     "required": true
    },
    "responses": {
     "200": {
      "content": {
       "application/json": {
        "example": null,
        "schema": {
         "type": "object"
        }
       }
      },
      "description": "OK"
     }
    }
   }
  }
 },
 "security": [
  {
   "ApiKeyAuth": []
  }
 ],
 "servers": [
  {
   "url": "http://127.0.0.1"
  }
 ]
}
`

func TestADescriptionIsTrimmed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(file, []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(file, "c0ffee", &out); err != nil || out.String() != trimmed {
		t.Errorf("run: %v, got\n%s\nwant\n%s", err, out.String(), trimmed)
	}
	if err := run(file+".not", "", &out); err == nil {
		t.Error("a file that is not there is trimmed")
	}
}
