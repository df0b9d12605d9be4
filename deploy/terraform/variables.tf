variable "project" {
  description = "The project of Google Cloud."
  type        = string
}

variable "region" {
  description = "One in which e2-micro is free costs least: us-west1, us-central1 or us-east1."
  type        = string
  default     = "us-central1"
}

variable "image" {
  description = "The image of triaged in a registry that Cloud Run reads."
  type        = string
}

variable "invokers" {
  description = "Who may call the gateway, beside the key that it asks for: such as user:me@example.org, or allUsers."
  type        = set(string)
  default     = []
}

variable "secrets_version" {
  description = "Raised by one, password and key are made anew; then restart the machine and the service."
  type        = number
  default     = 1
}
