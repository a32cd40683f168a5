{{- define "tartip.labels" -}}
app.kubernetes.io/name: tartip
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: tartip
app.kubernetes.io/version: {{ .Values.global.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.global.region }}
tartip.kz/region: {{ . | quote }}
{{- end }}
{{- end }}
