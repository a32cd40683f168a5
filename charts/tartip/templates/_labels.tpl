{{- define "tartip.labels" -}}
app.kubernetes.io/name: tartip
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: tartip
app.kubernetes.io/version: {{ .Values.global.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
tartip.kz/region: {{ required "global.region is not set: the region's code, as 75" .Values.global.region | quote }}
{{- end }}
