{{/* The service: the name of its Python package. */}}
{{- define "service.name" -}}
{{ .Values.service | default .Chart.Name }}
{{- end }}

{{/* What everything of the service begins with. */}}
{{- define "service.fullname" -}}
{{ printf "%s-%s" .Release.Name (include "service.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "service.image" -}}
{{- $repository := .Values.image.repository | default (printf "%s/tartip-%s" (required "global.image.registry is not set: the registry and path before the image's name" .Values.global.image.registry) (include "service.name" .)) -}}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.global.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "service.labels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/part-of: tartip
app.kubernetes.io/version: {{ .Values.global.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "service-%s" .Chart.Version }}
tartip.kz/region: {{ required "global.region is not set: the region's code, as 75" .Values.global.region | quote }}
{{- end }}

{{- define "service.selector" -}}
app.kubernetes.io/name: {{ include "service.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/*
What each process is, whoever runs it: the role in which it enters the database, its ports, and whom it must reach.
Nothing of it is for a region to choose.
*/}}
{{- define "service.kinds" -}}
serve: {role: App, ports: {grpc: 50051}, reaches: [database, issuer], secret: true}
gateway: {role: App, ports: {grpc: 50051, devices: 8080}, reaches: [database, kafka, issuer], secret: false}
consume: {role: Worker, ports: {}, reaches: [database, kafka], secret: false}
work: {role: Worker, ports: {}, reaches: [database, kafka], secret: true}
migrate: {role: Migrator, ports: {}, reaches: [database], secret: false}
once: {role: Worker, ports: {}, reaches: [database, kafka, issuer], secret: true}
{{- end }}

{{- define "service.adminPort" -}}9090{{- end }}

{{/* Where integrating systems are let in with a certificate of their own alone. */}}
{{- define "service.mutualPort" -}}50052{{- end }}
